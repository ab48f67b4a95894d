"""Whether the certification can tell a right operator from a wrong one."""
