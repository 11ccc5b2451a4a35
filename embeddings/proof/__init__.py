"""Prompts that ship with Vibomat, to prove that what is near in vectors is near in meaning."""
