"""What is kept: the journal, delivery attempts, local accounts, durable timers and the lake."""
