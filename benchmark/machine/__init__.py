"""The computer that a command runs on: its cache of kernels, memory, locks and terminal."""
