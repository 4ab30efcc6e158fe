"""What a run begins with besides its footage: clips that only judge, and a model to go on from."""
