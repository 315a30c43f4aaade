"""Live views: a sorted, limited, filtered window over the broadcasts, and every change of it.

`query` says which window, `item` what is shown of a broadcast, `engine` which windows a change
touches and how, `patch` how that is written down.  Those are pure; `views` runs them.
"""
