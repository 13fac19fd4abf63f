"""What customs are answered (Article 38, Regulation (EU) 2022/2399): CHEDs with their ledgers, lookups, pushes."""
