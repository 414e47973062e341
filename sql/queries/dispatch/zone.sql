select zone from deployment
