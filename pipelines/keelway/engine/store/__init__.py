"""What is kept on disk: layers, blobs, images, cache volumes, host folders."""
