"""Records: what a season's footage says of an animal at a place and a time, and what is notable about it."""
