from django.db import models


class Customer(models.Model):
    name = models.SlugField(primary_key=True)
    region = models.CharField(max_length=2)

    class Meta:
        constraints = (models.CheckConstraint(name="region", condition=models.Q(region__in=["eu", "us"])),)

    def __str__(self) -> str:
        return str(self.name)
