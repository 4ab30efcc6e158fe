"""Sound networks of the user, and BirdNET, which a user may install."""
