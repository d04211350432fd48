"""The console command: the commands of `simulate` and `benchmark` under one name."""
