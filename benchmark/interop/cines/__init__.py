"""Cines: frames without poses, of image folders, TIFF stacks, videos and DICOM files."""
