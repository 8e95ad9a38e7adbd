"""The door for data: one loader for every command, layer, script and test."""

from __future__ import annotations
