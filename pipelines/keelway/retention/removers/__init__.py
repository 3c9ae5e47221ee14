"""Deletion by the own APIs of providers whose registry refuses the common one."""
