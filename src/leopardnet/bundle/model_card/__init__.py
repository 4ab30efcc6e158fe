"""The card of a bundle: what it can do, on what that rests, and what it cannot see."""
