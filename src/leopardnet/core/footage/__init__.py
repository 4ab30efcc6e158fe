"""Files of footage as they lie on disks: their names, and whether two tables speak of the same ones."""
