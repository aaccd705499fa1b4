"""Side-by-side measurements; results/*.json are committed with the machine they ran on."""
