"""What the log says about an alarm: the first command of most alarms."""
