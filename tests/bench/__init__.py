"""Measurements that take minutes or depend on the machine: `make bench`, never a timed test."""
