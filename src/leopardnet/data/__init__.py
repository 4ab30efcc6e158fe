"""Labels and tables in and out, one file per format; and what makes files of strangers safe to open."""
