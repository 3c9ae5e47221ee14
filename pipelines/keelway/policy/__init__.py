"""What the image policy asks for: pure rules about Dockerfiles and images."""
