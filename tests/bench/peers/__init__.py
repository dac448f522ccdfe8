"""What others would do: workers on libraries of their own, run by Python in build/peers."""
