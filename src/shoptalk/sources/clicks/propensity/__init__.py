"""How likely a searcher is to look at each rank: estimators over the counts of a log."""
