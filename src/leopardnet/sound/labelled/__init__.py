"""What can be learned from the sounds that people named: a probe of alarm calls."""
