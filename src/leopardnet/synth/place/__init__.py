"""What a rendered camera sees when no animal is there."""
