"""Channel data: the files that hold them (zea, IPASC), and images formed from them."""
