def add_route(raw):
    return raw.assign(PU_DO=raw["PULocationID"] + "_" + raw["DOLocationID"])
