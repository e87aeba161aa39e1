def bench(a): pass
