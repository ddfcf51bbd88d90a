"""What is done day by day, without anybody asking: the log kept in order, and the digest."""
