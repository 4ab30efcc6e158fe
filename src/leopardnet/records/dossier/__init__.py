"""One file per notable record that a person who never saw the program understands and a sceptic can check."""
