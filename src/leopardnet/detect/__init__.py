"""Detection of animals: boxes from a network, a results file or the motion in a clip, and crops around them."""
