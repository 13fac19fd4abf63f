"""The published WSDL files, as package data (ARCHITECTURE section 3)."""
