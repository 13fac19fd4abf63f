"""The IMSOC gateway: a broker for official-control documents (Regulation (EU) 2019/1715)."""

__version__ = "0.1.0"
