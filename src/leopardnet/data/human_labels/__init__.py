"""What people said about clips: the file that holds it, and the tables that other parts take from it."""
