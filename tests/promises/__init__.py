"""The promises about money under every fault: crashes, lost answers, throttling, outages, and deliveries that meet.

stand.py         the local service, and a proxy that misbehaves before each engine
wins.py          the wins that are sent, and what they must leave behind
"""
