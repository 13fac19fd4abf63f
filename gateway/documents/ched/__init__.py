"""The common health entry document (CHED): its boxes, read from and written to SPSCertificate 17."""
