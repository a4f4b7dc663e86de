"""What a retriever costs, measured: seconds of a query, memory, bytes of its index; and what precision that buys."""
