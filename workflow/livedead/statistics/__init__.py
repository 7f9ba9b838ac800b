"""Statistics of counts: intervals, controls, the plate's layout, dose-response, time courses.

A package, since these five share no function and are read one at a time.
"""
