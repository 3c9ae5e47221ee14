"""Prometheus and Grafana for the services that are deployed."""
