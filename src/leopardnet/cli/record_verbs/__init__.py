"""The verbs of records: what a season's footage says of an animal at a place."""
