"""What breaks: damaged and hostile files, killed commands, disks that fail."""
