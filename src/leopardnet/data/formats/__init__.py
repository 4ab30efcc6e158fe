"""Labels of other programs, one module or package per format: readers, and writers of manifests.

Predictions leave through `export/formats`.
"""
