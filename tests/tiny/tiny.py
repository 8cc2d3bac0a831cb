def add_double(raw):
    return raw.assign(double=raw["amount"] * 2)


def first_customer(rows, window):
    return rows["customer"] == 0


def share_found(rows, scores):
    return float(rows["bad"][scores >= 0.5].sum() / rows["bad"].sum())
