package classroom

type mediaServer interface{}

const maxHistory = 200
