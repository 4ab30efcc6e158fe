"""Labelled frames in tar files, for storage that machines share."""
