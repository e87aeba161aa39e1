def test(a): pass
