"""Encounters: records linked across cameras, the least number of animals, flank pairs, repeated captures."""
