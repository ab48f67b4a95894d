"""The programs: `walletctl` and `make run`. Only here are the rooms put together; none of them knows this one."""
