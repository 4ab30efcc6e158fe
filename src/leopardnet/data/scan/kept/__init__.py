"""What a scan keeps for the next one."""
