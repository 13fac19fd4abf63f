"""The published XML schemas, as package data; README.md says what strict and tolerant mean."""
