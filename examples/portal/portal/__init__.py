"""A portal: people hand in texts on a web page, and a worker tells what is in them."""

