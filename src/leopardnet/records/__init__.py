"""From clips to records of a species: ranges, first records, encounters, and a dossier for each."""
