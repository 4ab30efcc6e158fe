"""What the review shows of a clip: frames as JPEG, and a video that a browser can play."""
