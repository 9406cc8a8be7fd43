def installed(): return False
